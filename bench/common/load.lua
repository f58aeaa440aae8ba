-- The load on one endpoint, for wrk. The argument is a Lua file that returns the plan:
--   path, headers, and either `bodies` to be sent in turn, or `tokens` to be refreshed: each is used once,
--   and its answer's refresh token is used later.
-- wrk must run with one thread, so that there is one queue.
local plan, first, last, complaints = nil, 1, 0, 0

function init(arguments)
  plan = dofile(arguments[1])
  last = plan.tokens and #plan.tokens or #plan.bodies
end

function request()
  local body
  if plan.tokens then
    body = plan.form .. "&refresh_token=" .. plan.tokens[first]
    plan.tokens[first] = nil
    first = first + 1
  else
    body = plan.bodies[first]
    first = first % last + 1
  end
  return wrk.format("POST", plan.path, plan.headers, body)
end

function response(status, _, body)
  if plan.tokens then
    local token = body:match('"refresh_token"%s*:%s*"([^"]+)"')
    if token then
      last = last + 1
      plan.tokens[last] = token
    end
  end
  if status >= 400 and complaints < 3 then
    complaints = complaints + 1
    io.stderr:write("refused with ", status, ": ", body, "\n")
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
