import { useEffect, useState, useSyncExternalStore } from "react";
import type { Shown, Talk } from "./talk";
import { blankTalk, keptTalk, openTalk } from "./talks";

/** The talk with an id, a blank one without; undefined while it is looked for, null where there is none. */
export function useTalk(id: string | undefined): Talk | null | undefined {
  const [found, setFound] = useState<{ id: string; talk: Talk | null } | null>(null);
  useEffect(() => {
    if (!id || openTalk(id)) return;
    let left = false;
    keptTalk(id)
      .catch(() => null)
      .then((talk) => {
        if (!left) setFound({ id, talk });
      });
    return () => {
      left = true;
    };
  }, [id]);
  if (!id) return blankTalk();
  return openTalk(id) ?? (found?.id === id ? found.talk : undefined);
}

/** What a talk shows now. */
export function useShown(talk: Talk): Shown {
  return useSyncExternalStore(talk.watch, talk.now);
}
