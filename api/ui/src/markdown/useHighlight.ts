import { type ReactNode, useEffect, useState } from "react";

/** Code longer than this stays without colours, in characters: to colour it would hold the page up. */
const LONGEST = 50_000;

/** Coloured code, once it is whole and its language's grammar has come; null until then. */
export function useHighlight(text: string, language: string, growing: boolean): ReactNode {
  const [found, setFound] = useState<{ text: string; nodes: ReactNode } | null>(null);
  useEffect(() => {
    if (growing || !language || text.length > LONGEST) return;
    let left = false;
    import("./highlight")
      .then(({ highlight }) => highlight(text, language))
      .then((nodes) => {
        if (!left && nodes) setFound({ text, nodes });
      })
      .catch(() => {}); // a chunk that cannot be had: the code is read without colours
    return () => {
      left = true;
    };
  }, [text, language, growing]);
  return found?.text === text ? found.nodes : null;
}
