import type { Example } from "./example";

/** Where a server is, with `/v1` at the end, and whether it needs a key. */
export interface Server {
  base: string;
  keyed: boolean;
}

/** Where programs find the key. */
export const KEY = "HEADRACE_API_KEY";

/** A request as a command of curl. Pure. */
export function curl({ path, body, upload, save }: Example, { base, keyed }: Server): string {
  const fields = Object.entries(body).map(([name, value]) => `-F ${quoted(`${name}=${value}`)}`);
  const sent = upload
    ? [`-F ${quoted(`file=@${upload}`)}`, ...fields]
    : [`-H "Content-Type: application/json"`, `-d ${quoted(JSON.stringify(body))}`];
  const key = keyed ? [`-H "Authorization: Bearer $${KEY}"`] : [];
  return [`curl ${quoted(`${base}/${path}`)}`, ...key, ...sent, ...(save ? [`-o ${save}`] : [])].join(" \\\n  ");
}

/** A request as a program in Python: with OpenAI's client where it has such a call, else with requests. Pure. */
export function python(example: Example, { base, keyed }: Server): string {
  const { path, body, upload, save, call, print, beyond = [] } = example;
  const key = keyed ? `os.environ["${KEY}"]` : '"none"';
  const imports = keyed ? ["import os", ""] : [];
  if (call) {
    const isKnown = ([name]: [string, unknown]) => !beyond.includes(name);
    const known = Object.entries(body).filter(isKnown);
    const others = Object.entries(body).filter((one) => !isKnown(one));
    const values = known.map(([name, value]) => `    ${name}=${literal(value)},`);
    if (others.length > 0) values.push(`    extra_body=${literal(Object.fromEntries(others))},`);
    const file = upload ? [`    file=open("${upload}", "rb"),`] : [];
    const client = `client = OpenAI(base_url="${base}", api_key=${key})`;
    const asked = [`answer = client.${call}(`, ...values, ...file, ")", `print(${print})`];
    return [...imports, "from openai import OpenAI", "", client, ...asked].join("\n");
  }
  const headers = keyed ? [`    headers={"Authorization": f"Bearer {${key.replaceAll('"', "'")}}"},`] : [];
  const end = save ? [`open("${save}", "wb").write(answer.content)`] : ["print(answer.json())"];
  const asked = ["answer = requests.post(", `    "${base}/${path}",`, ...headers, `    json=${literal(body)},`, ")"];
  return [...imports, "import requests", "", ...asked, "answer.raise_for_status()", ...end].join("\n");
}

/** A value of JSON as Python writes it. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`);
  return `{${entries.join(", ")}}`;
}

/** A request as a program in JavaScript, for Node and, without the files, for browsers. Pure. */
export function javascript({ path, body, upload, save }: Example, { base, keyed }: Server): string {
  const key = `Authorization: \`Bearer \${process.env.${KEY}}\``;
  const type = '"Content-Type": "application/json"';
  const headers = [...(keyed ? [key] : []), ...(upload ? [] : [type])];
  const files = [...(upload ? ["openAsBlob"] : []), ...(save ? ["writeFileSync"] : [])];
  const form = [
    "const body = new FormData();",
    `body.set("file", await openAsBlob("${upload}"), "${upload}");`,
    ...Object.entries(body).map(([name, value]) => `body.set("${name}", ${JSON.stringify(value)});`),
  ];
  return [
    ...(files.length > 0 ? [`import { ${files.join(", ")} } from "node:fs";`, ""] : []),
    ...(upload ? form : [`const body = JSON.stringify(${JSON.stringify(body, null, 2)});`]),
    `const answer = await fetch("${base}/${path}", {`,
    '  method: "POST",',
    ...(headers.length > 0 ? [`  headers: { ${headers.join(", ")} },`] : []),
    "  body,",
    "});",
    "if (!answer.ok) throw new Error(await answer.text());",
    save
      ? `writeFileSync("${save}", await answer.bytes());`
      : "console.log(JSON.stringify(await answer.json(), null, 2));",
  ].join("\n");
}

/** A text as one word of a shell. Pure. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
