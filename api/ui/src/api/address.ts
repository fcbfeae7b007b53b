/** Where this interface lies, with whatever prefix a proxy has put before it. It ends with a slash. */
export const pageBase = new URL(document.querySelector("base")?.href ?? "/", location.href);

/** Where the API lies: the interface is one folder below it, but for the development server. */
export const apiBase = import.meta.env.DEV ? new URL("/", location.href) : new URL("..", pageBase);

/** The address of a path of the API, for links and streams. */
export function apiUrl(path: string): string {
  return new URL(path.replace(/^\//, ""), apiBase).href;
}

/** The address of the page that launches a model, filled in with these words; what is null is left open. */
export function launchAddress(words: Record<string, string | number | null>): string {
  const given = Object.entries(words).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]));
  return new URL(`launch?${new URLSearchParams(given)}`, pageBase).href;
}
