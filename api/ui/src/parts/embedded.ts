const WORDS: Record<string, string> = { image: "picture", audio: "sound", video: "film" };
const DATA_URL = /^data:((\w+)\/([\w.+-]+))[^,]*;base64,/;
/** A letter for private use, which nobody types. */
const EDGE = "\uE000";
const MARK = /"\uE000([\w.-]+) ([\w.+/-]+)\uE000"/g;

/** A body in which a mark stands for each data URL: what programs read from a file. Pure. */
export function marked(body: Record<string, unknown>): Record<string, unknown> {
  const taken = new Set<string>();
  const free = (word: string, ending: string): string => {
    let name = `${word}.${ending}`;
    for (let more = 2; taken.has(name); more += 1) name = `${word}-${more}.${ending}`;
    taken.add(name);
    return name;
  };
  const walked = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((one) => walked(one, key));
    if (typeof value === "object" && value !== null) return within(value);
    const [, type = "", family = "", ending = ""] = (typeof value === "string" && DATA_URL.exec(value)) || [];
    if (!type) return value;
    return `${EDGE}${free(key === "mask" ? key : (WORDS[family] ?? "file"), ending)} ${type}${EDGE}`;
  };
  const within = (object: object): Record<string, unknown> =>
    Object.fromEntries(Object.entries(object).map(([name, one]) => [name, walked(one, name)]));
  return within(body);
}

/** Whether a body that was marked, or a text of it, holds any mark. Pure. */
export function isMarked(text: string): boolean {
  return text.search(MARK) >= 0;
}

/** A text of JSON, in which the marks are written as a program writes them. Pure. */
export function written(json: string, write: (name: string, type: string) => string): string {
  return json.replace(MARK, (_, name: string, type: string) => write(name, type));
}
