import { type Conversation, type Form, NO_SETTINGS, newTurn, type Settings, type Turn } from "./conversation";
import { FORMS } from "./structure";
import { united } from "./tree";

const KIND = "headrace.conversations";

/** A file of conversations. */
export function written(conversations: readonly Conversation[]): string {
  return JSON.stringify({ kind: KIND, version: 1, conversations }, null, 1);
}

/** The conversations of a file; null where it is none of ours. What is missing in one is empty. */
export function read(text: string): Conversation[] | null {
  try {
    const file: unknown = JSON.parse(text);
    if (!isObject(file) || file["kind"] !== KIND || !Array.isArray(file["conversations"])) return null;
    const found = file["conversations"].map(conversationOf);
    return found.every((one) => one !== null) ? found : null;
  } catch {
    return null;
  }
}

/** Those that are kept with those that are open, as they are now. One in which nothing was said is left out. */
export function together(kept: readonly Conversation[], open: readonly Conversation[]): Conversation[] {
  const all = new Map(kept.map((one) => [one.id, one]));
  for (const one of open) all.set(one.id, united(all.get(one.id), one));
  return [...all.values()].filter((one) => one.turns.length > 0);
}

/** Those that hold all of the words that were typed, newest first. */
export function matching(conversations: readonly Conversation[], typed: string): Conversation[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (one: Conversation) => {
    const text = [
      one.title,
      ...one.turns.flatMap((turn) => [turn.text, ...(turn.results ?? []).map((result) => result.text)]),
    ]
      .join("\n")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return conversations.filter(holds).sort((one, other) => other.at - one.at);
}

function conversationOf(value: unknown): Conversation | null {
  if (!isObject(value) || !isWord(value["id"]) || !Array.isArray(value["turns"])) return null;
  const turns = value["turns"].map(turnOf);
  if (!turns.every((turn) => turn !== null)) return null;
  const leaf = isWord(value["leaf"]) ? value["leaf"] : (turns.at(-1)?.id ?? null);
  const at = Number(value["at"]) || 0;
  const [title, named] = [textOf(value["title"]), Number(value["named"]) || 0];
  return { id: value["id"], title, named, at, settings: settingsOf(value["settings"]), turns, leaf };
}

function turnOf(value: unknown): Turn | null {
  if (!isObject(value) || !isWord(value["id"])) return null;
  const parent = isWord(value["parent"]) ? value["parent"] : null;
  const role = value["role"] === "user" || value["role"] === "tool" ? value["role"] : "assistant";
  return newTurn(value["id"], parent, role, {
    text: textOf(value["text"]),
    thoughts: textOf(value["thoughts"]),
    model: textOf(value["model"]),
    end: textOf(value["end"]) || "stop",
    pictures: listOf(value["pictures"]).filter((one): one is string => isData(one, "image")),
    sounds: listOf(value["sounds"]).filter((one): one is string => isData(one, "audio")),
    form: formIn(value["form"]),
    calls: namedIn(value["calls"], ["id", "name", "arguments"]),
    results: namedIn(value["results"], ["id", "text"]),
  });
}

function formIn(value: unknown): Form | null {
  if (!isObject(value)) return null;
  const kind = FORMS.find((one) => one !== "" && one === value["kind"]);
  return kind ? { kind, text: textOf(value["text"]) } : null;
}

/** The objects of a list, with these texts of each. */
function namedIn<K extends string>(value: unknown, names: readonly K[]): Record<K, string>[] {
  const one = (from: Record<string, unknown>) =>
    Object.fromEntries(names.map((name) => [name, textOf(from[name])])) as Record<K, string>;
  return listOf(value).filter(isObject).map(one);
}

function settingsOf(value: unknown): Settings {
  if (!isObject(value)) return NO_SETTINGS;
  const names = Object.keys(NO_SETTINGS) as (keyof Settings)[];
  return Object.fromEntries(names.map((name) => [name, textOf(value[name])])) as unknown as Settings;
}

function isData(value: unknown, type: string): value is string {
  return typeof value === "string" && value.startsWith(`data:${type}/`);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
