const MARK = "headrace.reloaded";

/** After an upgrade, a page that was open asks for files that are gone: it is loaded anew, once. */
export function reloadOnceWhenStale(): void {
  addEventListener("vite:preloadError", (event) => {
    const last = Number(sessionStorage.getItem(MARK) ?? 0);
    if (Date.now() - last < 60_000) return; // it has not helped: the error is shown
    sessionStorage.setItem(MARK, String(Date.now()));
    event.preventDefault();
    location.reload();
  });
}
