import { isObject } from "./adapters";

/** An environment variable as it is typed. */
export interface Variable {
  name: string;
  value: string;
}

/** How the server writes what it does not tell. */
export const HIDDEN = "******";
/** What the name of a secret has in it, as the server sees it. */
const SECRET = /secret|passw|pwd|credential|authorization|api_?key|(^|_)(key|pass|passphrase)$|token$|(^|_)token(_|$)/i;

/**
 * The variables of the field `envs`, which holds an object, or pairs while they are typed; null where it holds
 * something else. Pure.
 */
export function variablesOf(text: string): Variable[] | null {
  if (!text.trim()) return [];
  const found = parsed(text);
  const pairs = isObject(found) ? Object.entries(found) : found;
  if (!Array.isArray(pairs) || !pairs.every(isPair)) return null;
  return pairs.map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
}

/** The field for some variables; empty for none. Pure. */
export function fieldOfVariables(variables: readonly Variable[]): string {
  if (variables.length === 0) return "";
  return JSON.stringify(variables.map(({ name, value }) => [name.trim(), value]));
}

/** What the field means in a launch; undefined for nothing, and what is no list of variables as it is. Pure. */
export function environmentOf(text: string): unknown {
  const variables = variablesOf(text);
  if (!variables) return parsed(text) ?? text;
  const given = variables.filter(({ name, value }) => name || value);
  return given.length > 0 ? Object.fromEntries(given.map(({ name, value }) => [name, value])) : undefined;
}

/** The names that are given twice: the last one of each would count. Pure. */
export function repeated(variables: readonly Variable[]): string[] {
  const names = variables.map(({ name }) => name);
  return names.filter((name, at) => name && names.indexOf(name) < at);
}

/** The field to be kept in a browser, without the values of secrets. Pure. */
export function withoutSecrets(text: string): string {
  const variables = variablesOf(text);
  if (!variables) return "";
  return fieldOfVariables(
    variables.map((one) => (one.value && SECRET.test(one.name) ? { ...one, value: HIDDEN } : one)),
  );
}

function isPair(one: unknown): one is [string, unknown] {
  return Array.isArray(one) && one.length === 2 && typeof one[0] === "string";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
