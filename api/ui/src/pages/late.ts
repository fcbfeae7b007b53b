import { lazyRouteComponent } from "@tanstack/react-router";
import { wholeWords } from "../i18n";
import { whole } from "../lib/missing";

/** A page whose files are fetched when somebody goes there, and its words. `name`: what they export. */
export function late<T extends Record<string, unknown>, K extends keyof T & string>(
  fetched: () => Promise<T>,
  name: K,
) {
  const both = async () => (await Promise.all([fetched(), wholeWords()]))[0];
  return lazyRouteComponent(() => whole(both, name), name);
}

/** The page that is seen first, whose words are there already. */
export function foremost<T extends Record<string, unknown>, K extends keyof T & string>(
  fetched: () => Promise<T>,
  name: K,
) {
  return lazyRouteComponent(() => whole(fetched, name), name);
}
