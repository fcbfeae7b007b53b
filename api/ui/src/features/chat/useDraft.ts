import { useState } from "react";
import type { Fitted } from "../../lib/shrinking";
import { fittedFile, type Kind } from "./attachments";
import { draftOf, keepDraft } from "./drafts";
import type { Said } from "./talk";

/** A file that goes along smaller than it is. */
export type Smaller = { name: string } & NonNullable<Fitted["shrunk"]>;

/**
 * The message that is written in a conversation. `fault`: the name of a file that cannot be attached; `smaller`: those
 * that were made smaller.
 */
export function useDraft(id: string, kinds: readonly Kind[]) {
  const [draft, setDraft] = useState(() => draftOf(id));
  const [fault, setFault] = useState<string | null>(null);
  const [smaller, setSmaller] = useState<readonly Smaller[]>([]);
  const change = (how: (before: Said) => Said) =>
    setDraft((before) => {
      const after = how(before);
      keepDraft(id, after);
      return after;
    });
  const add = async (files: readonly File[]) => {
    setFault(null);
    setSmaller([]);
    for (const file of files) {
      const taken = await fittedFile(file, kinds).catch(() => null);
      if (!taken) {
        setFault(file.name);
        continue;
      }
      const { url, shrunk } = taken;
      const list = url.startsWith("data:image/") ? "pictures" : "sounds";
      change((before) => ({ ...before, [list]: [...before[list], url] }));
      if (shrunk) setSmaller((before) => [...before, { name: file.name, ...shrunk }]);
    }
  };
  const without = (urls: string[], url: string) => urls.filter((one) => one !== url);
  const remove = (url: string) =>
    change((before) => ({
      ...before,
      pictures: without(before.pictures, url),
      sounds: without(before.sounds, url),
    }));
  const clear = () => {
    setFault(null);
    setSmaller([]);
    change(() => ({ text: "", pictures: [], sounds: [] }));
  };
  const setText = (text: string) => change((before) => ({ ...before, text }));
  return { draft, fault, smaller, add, remove, clear, setText };
}
