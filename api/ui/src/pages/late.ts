import { lazyRouteComponent } from "@tanstack/react-router";
import { whole } from "../lib/missing";

/** A page whose files are fetched when somebody goes there. `name`: what they export. */
export function late<T extends Record<string, unknown>, K extends keyof T & string>(
  fetched: () => Promise<T>,
  name: K,
) {
  return lazyRouteComponent(() => whole(fetched, name), name);
}
