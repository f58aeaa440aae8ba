// The guide's example, extracted to the file that the first argument names. The issuer under test has no TLS.
import { pathToFileURL } from "node:url";
import { allowInsecureRequests } from "openid-client";
import { serve } from "./steps.mjs";

const example = await import(pathToFileURL(process.argv[2]));
example.options.execute = [allowInsecureRequests];

await serve({
  begin: () => example.begin(),
  finish: ({ callback, kept }) => example.finish(callback, kept),
});
