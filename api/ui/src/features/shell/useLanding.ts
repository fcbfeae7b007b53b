import { useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

/**
 * Gives the focus to the page's content where the link or button that led there is gone: without it the keyboard would
 * begin again at the top, and a screen reader say nothing. What a page has given the focus to itself keeps it.
 */
export function useLanding() {
  const content = useRef<HTMLElement>(null);
  const here = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  const before = useRef(here);
  useEffect(() => {
    const isMoved = before.current !== undefined && before.current !== here;
    before.current = here;
    if (isMoved && document.activeElement === document.body) content.current?.focus({ preventScroll: true });
  }, [here]);
  return content;
}
