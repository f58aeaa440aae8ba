// Steps by name: each line of standard input asks for one, and one line of standard output answers.
import { createInterface } from "node:readline";

/** Answer until standard input ends. An error is told with its code and those of its causes. */
export async function serve(steps) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { step, ...values } = JSON.parse(line);
    let answer;
    try {
      answer = { result: (await steps[step](values)) ?? null };
    } catch (error) {
      answer = { error: told(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit();
}

function told(error) {
  return {
    name: error.name,
    code: error.code,
    message: error.message,
    error: error.error,
    cause: error.cause instanceof Error ? told(error.cause) : undefined,
  };
}
