import { isMarked, marked, written } from "./embedded";
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
  const json = JSON.stringify(marked(body));
  const fields = Object.entries(body).map(([name, value]) => `-F ${quoted(`${name}=${value}`)}`);
  const sent = upload
    ? [`-F ${quoted(`file=@${upload}`)}`, ...fields]
    : [`-H "Content-Type: application/json"`, `-d ${isMarked(json) ? "@-" : quoted(json)}`];
  const key = keyed ? [`-H "Authorization: Bearer $${KEY}"`] : [];
  const line = [`curl ${quoted(`${base}/${path}`)}`, ...key, ...sent, ...(save ? [`-o ${save}`] : [])].join(" \\\n  ");
  return isMarked(json) && !upload ? `${line} <<END\n${document(json)}\nEND` : line;
}

/** A text of JSON as a here-document, which the shell fills with the files. Pure. */
function document(json: string): string {
  const plain = json.replace(/[\\$`]/g, "\\$&");
  return written(plain, (name, type) => `"data:${type};base64,$(base64 < ${name} | tr -d '\\n')"`);
}

/** A request as a program in Python: with OpenAI's client where it has such a call, else with requests. Pure. */
export function python(example: Example, { base, keyed }: Server): string {
  const { path, upload, save, call, print, beyond = [] } = example;
  const body = marked(example.body);
  const reads = isMarked(JSON.stringify(body));
  const key = keyed ? `os.environ["${KEY}"]` : '"none"';
  const own = [...(reads ? ["import base64"] : []), ...(keyed ? ["import os"] : [])];
  const imports = own.length > 0 ? [...own, ""] : [];
  const reading = reads ? [...READ_IN_PYTHON, ""] : [];
  if (call) {
    const isKnown = ([name]: [string, unknown]) => !beyond.includes(name);
    const known = Object.entries(body).filter(isKnown);
    const others = Object.entries(body).filter((one) => !isKnown(one));
    const values = known.map(([name, value]) => `    ${name}=${literal(value)},`);
    if (others.length > 0) values.push(`    extra_body=${literal(Object.fromEntries(others))},`);
    const file = upload ? [`    file=open("${upload}", "rb"),`] : [];
    const client = `client = OpenAI(base_url="${base}", api_key=${key})`;
    const asked = [`answer = client.${call}(`, ...values, ...file, ")", `print(${print})`];
    return [...imports, "from openai import OpenAI", "", ...reading, client, ...asked].join("\n");
  }
  const headers = keyed ? [`    headers={"Authorization": f"Bearer {${key.replaceAll('"', "'")}}"},`] : [];
  const end = save ? [`open("${save}", "wb").write(answer.content)`] : ["print(answer.json())"];
  const asked = ["answer = requests.post(", `    "${base}/${path}",`, ...headers, `    json=${literal(body)},`, ")"];
  return [...imports, "import requests", "", ...reading, ...asked, "answer.raise_for_status()", ...end].join("\n");
}

const READ_IN_PYTHON = [
  "def data_url(name, media_type):",
  '    return f"data:{media_type};base64," + base64.b64encode(open(name, "rb").read()).decode()',
  "",
];

/** A value of JSON as Python writes it. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object")
    return written(JSON.stringify(value), (name, type) => `data_url("${name}", "${type}")`);
  const entries = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`);
  return `{${entries.join(", ")}}`;
}

/** A request as a program in JavaScript, for Node and, without the files, for browsers. Pure. */
export function javascript({ path, body: asked, upload, save }: Example, { base, keyed }: Server): string {
  const body = marked(asked);
  const json = JSON.stringify(body, null, 2);
  const reads = isMarked(json);
  const key = `Authorization: \`Bearer \${process.env.${KEY}}\``;
  const type = '"Content-Type": "application/json"';
  const headers = [...(keyed ? [key] : []), ...(upload ? [] : [type])];
  const files = [
    ...(upload ? ["openAsBlob"] : []),
    ...(reads ? ["readFileSync"] : []),
    ...(save ? ["writeFileSync"] : []),
  ];
  const form = [
    "const body = new FormData();",
    `body.set("file", await openAsBlob("${upload}"), "${upload}");`,
    ...Object.entries(body).map(([name, value]) => `body.set("${name}", ${JSON.stringify(value)});`),
  ];
  return [
    ...(files.length > 0 ? [`import { ${files.join(", ")} } from "node:fs";`, ""] : []),
    ...(reads
      ? ['const dataUrl = (name, type) => "data:" + type + ";base64," + readFileSync(name, "base64");', ""]
      : []),
    ...(upload
      ? form
      : [`const body = JSON.stringify(${written(json, (name, type) => `dataUrl("${name}", "${type}")`)});`]),
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
