// Rules of this repository for OpenAPI documents, beside the linter's own.

const CHINESE = /[\u4e00-\u9fff]/;
const OPERATION_ID = /^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*$/;
const LONGEST_ID = 30;
const PROBLEM = "application/problem+json";
// Endpoints outside have the names, errors and answers of the OAuth specifications.
const ours = (path) => path.startsWith("/api/");
const METHODS = ["get", "put", "post", "patch", "delete"];

// Calls `check(operation, report, { path, method, parameters, root })` for every operation of a document.
const ofOperations = (check) => () => ({
  Root: {
    leave(root, { report, location }) {
      for (const [path, item] of Object.entries(root.paths)) {
        for (const method of METHODS.filter((name) => name in item)) {
          const operation = item[method];
          const here = location.child(["paths", path, method]);
          const tell = (message) =>
            report({ message: `${operation.operationId ?? path}: ${message}`, location: here });
          check(operation, tell, { path, method, parameters: operation.parameters ?? [], root });
        }
      }
    },
  },
});

const resolved = (root, schema) =>
  schema?.$ref ? root.components.schemas[schema.$ref.split("/").at(-1)] : schema;

// Short names that generators turn into methods: a verb and what it acts on.
const operationId = ofOperations(({ operationId: id = "" }, tell, { path }) => {
  if (!OPERATION_ID.test(id)) tell("an operationId is in camel case");
  if (id.length > LONGEST_ID) tell(`an operationId has at most ${LONGEST_ID} characters`);
  if (ours(path) && !/[A-Z]/.test(id)) tell("an operationId is a verb and a noun");
});

const chinese = () => ({
  Operation(operation, { report, location }) {
    for (const part of ["summary", "description"]) {
      if (!CHINESE.test(operation[part] ?? "")) {
        report({ message: `${operation.operationId}: write a Chinese ${part}`, location });
      }
    }
  },
  Parameter(parameter, { report, location }) {
    if (!CHINESE.test(parameter.description ?? "")) {
      report({ message: `${parameter.name}: describe the parameter in Chinese`, location });
    }
  },
  Response(response, { report, location }) {
    if (!CHINESE.test(response.description ?? "")) {
      report({ message: "describe the response in Chinese", location });
    }
  },
  Root: {
    leave(root, { report, location }) {
      for (const [name, schema] of Object.entries(root.components.schemas)) {
        for (const [field, content] of Object.entries(schema.properties ?? {})) {
          if (!CHINESE.test(content.description ?? "")) {
            const message = `${name}.${field}: describe the field in Chinese (descriptions.py of the service)`;
            report({ message, location: location.child(["components", "schemas", name]) });
          }
        }
      }
    },
  },
});

// An enum is a schema of its own, from a vocabulary: its name is the type in a client, its labels are texts.
const namedEnums = () => ({
  Root: {
    leave(root, { report, location }) {
      const search = (value, path) => {
        if (value === null || typeof value !== "object") return;
        if (path.length === 2 && path[0] === "paths" && !ours(path[1])) return;
        const named = path.length === 3 && path[0] === "components";
        if (Array.isArray(value.enum) && path.at(-1) !== "properties") {
          if (!named) report({ message: "give the enum a name: use a Vocabulary", location: location.child(path) });
          for (const word of value.enum) {
            if (named && !CHINESE.test(value["x-enumDescriptions"]?.[word] ?? "")) {
              report({ message: `${path[2]}: no Chinese label of ${word}`, location: location.child(path) });
            }
          }
        }
        for (const [key, inside] of Object.entries(value)) search(inside, [...path, key]);
      };
      search(root, []);
    },
  },
});

// Every refusal is a problem (RFC 9457) with a stable code and Chinese words.
const problems = ofOperations(({ responses }, tell, { path }) => {
  for (const [status, response] of Object.entries(responses)) {
    if (status < "400") continue;
    const content = response.content ?? {};
    if (ours(path) && !(PROBLEM in content)) tell(`${status} is not ${PROBLEM}`);
    for (const example of Object.values(content[PROBLEM]?.examples ?? {})) {
      if (!example.value.code || !CHINESE.test(example.value.detail)) {
        tell(`${status}: a problem has a code and Chinese words`);
      }
    }
  }
});

// 201 says where the created thing is (RFC 9110 section 15.3.2), 202 where it says how far it has come (15.3.3).
const created = ofOperations(({ responses }, tell, { path, root }) => {
  if (!ours(path)) return;
  if (responses["201"] && !responses["201"].headers?.Location) tell("201 without Location");
  const accepted = resolved(root, responses["202"]?.content?.["application/json"]?.schema);
  if (accepted?.properties?.id && !responses["202"].headers?.Location) tell("202 without Location");
});

// A list is paged the same way everywhere: limit and cursor lead to items and next.
const pages = ofOperations(({ responses }, tell, { parameters, root }) => {
  const paged = parameters.some(({ name }) => name === "cursor");
  const schema = resolved(root, responses["200"]?.content?.["application/json"]?.schema);
  const fields = schema?.properties ?? {};
  // A report may contain a page beside its figures.
  const inside = Object.values(fields).map((field) => resolved(root, field)?.properties ?? {});
  const isPage = (part) => "items" in part && "next" in part;
  const page = isPage(fields);
  if (paged !== (page || inside.some(isPage))) tell("a cursor in the query and `next` in the answer belong together");
  if (page && fields.items?.type !== "array") tell("`items` of a page is an array");
  if (page && !parameters.some(({ name }) => name === "limit")) tell("a page has a `limit`");
  if (page && fields.total && !fields.total.$ref?.endsWith("/Total")) tell("a `total` is a Total");
  const refused = JSON.stringify(responses["400"] ?? {}).includes("bad_cursor");
  if (paged !== refused) tell("document the refusal of a bad cursor");
});

export default () => ({
  id: "zhuxue",
  rules: {
    oas3: {
      "operation-id": operationId,
      chinese,
      "named-enums": namedEnums,
      problems,
      location: created,
      pages,
    },
  },
});
