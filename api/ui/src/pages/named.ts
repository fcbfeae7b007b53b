/** A word of an address's search, if it is there. A number in it is a word too: a model may be called 7. */
export function named<K extends string>(search: Record<string, unknown>, name: K): { [key in K]?: string | undefined } {
  const value = search[name];
  const word = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return (word ? { [name]: word } : {}) as { [key in K]?: string | undefined };
}

/** A list of words of an address's search, if it is there. */
export function listed<K extends string>(search: Record<string, unknown>, name: K): { [key in K]?: string[] } {
  const value = search[name];
  const words = (Array.isArray(value) ? value : []).filter((one) => typeof one === "string" || typeof one === "number");
  return (words.length > 0 ? { [name]: words.map(String) } : {}) as { [key in K]?: string[] };
}
