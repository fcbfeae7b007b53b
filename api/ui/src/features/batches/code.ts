import { KEY, type Server } from "../../parts/code";

/** A batch that is told as a program: its endpoint, and the ids of it and of its files, as far as they are there. */
export interface Told {
  id: string;
  endpoint: string;
  input_file_id: string;
  output_file_id: string | null;
}

/** A batch as commands of curl: uploaded, created, asked for, and its output fetched. Pure. */
export function curl(batch: Told, { base, keyed }: Server): string {
  const key = keyed ? ` -H "Authorization: Bearer $${KEY}"` : "";
  const body = { input_file_id: batch.input_file_id, endpoint: batch.endpoint, completion_window: "24h" };
  return [
    `curl ${base}/files${key} -F purpose=batch -F file=@requests.jsonl`,
    `curl ${base}/batches${key} -H "Content-Type: application/json" \\\n  -d '${JSON.stringify(body)}'`,
    `curl ${base}/batches/${batch.id}${key}`,
    `curl ${base}/files/${batch.output_file_id ?? "OUTPUT_FILE_ID"}/content${key} -o output.jsonl`,
  ].join("\n");
}

/** A batch as a program in Python, with OpenAI's client, that waits until it is over. Pure. */
export function python({ endpoint }: Told, { base, keyed }: Server): string {
  const key = keyed ? `os.environ["${KEY}"]` : '"none"';
  return [
    ...(keyed ? ["import os"] : []),
    "import time",
    "",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url="${base}", api_key=${key})`,
    'file = client.files.create(file=open("requests.jsonl", "rb"), purpose="batch")',
    "batch = client.batches.create(",
    `    input_file_id=file.id, endpoint="${endpoint}", completion_window="24h"`,
    ")",
    'while batch.status not in ("completed", "failed", "expired", "cancelled"):',
    "    time.sleep(2)",
    "    batch = client.batches.retrieve(batch.id)",
    "print(batch.status, batch.request_counts, batch.errors)",
    "for id in (batch.output_file_id, batch.error_file_id):",
    "    if id:",
    "        print(client.files.content(id).text)",
  ].join("\n");
}

/** A batch as a program in JavaScript, for Node, that waits until it is over. Pure. */
export function javascript({ endpoint }: Told, { base, keyed }: Server): string {
  const key = keyed ? `{ Authorization: \`Bearer \${process.env.${KEY}}\` }` : "{}";
  return [
    'import { openAsBlob } from "node:fs";',
    "",
    `const base = "${base}";`,
    `const headers = ${key};`,
    "async function ask(path, options = {}) {",
    "  const answer = await fetch(base + path, { ...options, headers: { ...headers, ...options.headers } });",
    "  if (!answer.ok) throw new Error(await answer.text());",
    "  return answer;",
    "}",
    "const form = new FormData();",
    'form.set("purpose", "batch");',
    'form.set("file", await openAsBlob("requests.jsonl"), "requests.jsonl");',
    'const file = await (await ask("/files", { method: "POST", body: form })).json();',
    `const body = { input_file_id: file.id, endpoint: "${endpoint}", completion_window: "24h" };`,
    'const type = { "Content-Type": "application/json" };',
    'const created = await ask("/batches", { method: "POST", headers: type, body: JSON.stringify(body) });',
    "let batch = await created.json();",
    'while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {',
    "  await new Promise((resolve) => setTimeout(resolve, 2000));",
    '  batch = await (await ask("/batches/" + batch.id)).json();',
    "}",
    "console.log(batch.status, batch.request_counts, batch.errors);",
    "for (const id of [batch.output_file_id, batch.error_file_id])",
    '  if (id) console.log(await (await ask("/files/" + id + "/content")).text());',
  ].join("\n");
}
