const KEY = "headrace.anew.";

let isStale = false;

/** Thrown where the files of a page could not be had. Only a page that is loaded anew asks for them again. */
export class MissingPage extends Error {
  constructor(readonly page: string) {
    super(`no files of ${page}`);
  }
}

/**
 * The files of a page. Throws MissingPage where they cannot be had, and from then on for all pages not loaded yet:
 * styles that failed once are never asked for again, so that such a page would stand there without them.
 */
export async function whole<T>(fetched: () => Promise<T>, page: string): Promise<T> {
  if (isStale) throw new MissingPage(page);
  try {
    const files = await fetched();
    forget(page);
    return files;
  } catch {
    isStale = true;
    throw new MissingPage(page);
  }
}

/** Whether to load everything anew for this page, which is so once until its files have come. */
export function takeTurn(page: string): boolean {
  try {
    const isFirst = sessionStorage.getItem(KEY + page) === null;
    sessionStorage.setItem(KEY + page, "1");
    return isFirst;
  } catch {
    return false; // storage is refused: nothing would end the loading
  }
}

function forget(page: string): void {
  try {
    sessionStorage.removeItem(KEY + page);
  } catch {
    // then nothing was kept either
  }
}
