import { useState } from "react";
import { type Kind, urlOf } from "./attachments";
import { draftOf, keepDraft } from "./drafts";
import type { Said } from "./talk";

/** The message that is written in a conversation. `fault`: the name of a file that cannot be attached. */
export function useDraft(id: string, kinds: readonly Kind[]) {
  const [draft, setDraft] = useState(() => draftOf(id));
  const [fault, setFault] = useState<string | null>(null);
  const change = (how: (before: Said) => Said) =>
    setDraft((before) => {
      const after = how(before);
      keepDraft(id, after);
      return after;
    });
  const add = async (files: readonly File[]) => {
    setFault(null);
    for (const file of files) {
      const url = await urlOf(file, kinds).catch(() => null);
      const list = url?.startsWith("data:image/") ? "pictures" : "sounds";
      if (url) change((before) => ({ ...before, [list]: [...before[list], url] }));
      else setFault(file.name);
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
    change(() => ({ text: "", pictures: [], sounds: [] }));
  };
  const setText = (text: string) => change((before) => ({ ...before, text }));
  return { draft, fault, add, remove, clear, setText };
}
