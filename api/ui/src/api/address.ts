/** Where this interface lies, with whatever prefix a proxy has put before it. It ends with a slash. */
export const pageBase = new URL(document.querySelector("base")?.href ?? "/", location.href);

/** Where the API lies: the interface is one folder below it, but for the development server. */
export const apiBase = import.meta.env.DEV ? new URL("/", location.href) : new URL("..", pageBase);

/** The address of a path of the API, for links and streams. */
export function apiUrl(path: string): string {
  return new URL(path.replace(/^\//, ""), apiBase).href;
}
