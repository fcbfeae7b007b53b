import { useCallback, useEffect, useLayoutEffect, useRef } from "react";

/** How near the end counts as the end, in pixels. */
const NEAR = 8;

/** Whether a page that is scrolled to `top` shows its end. */
export function isAtEnd(top: number, height: number, whole: number): boolean {
  return whole - height - top <= NEAR;
}

/** Keeps the end of the page in sight as `shown` changes, while the reader is there; any gesture upwards ends that.
 *  What it returns goes to the end, and follows from there on. */
export function useFollow(shown: unknown): () => void {
  const follows = useRef(true);
  useEffect(() => {
    const end = () => isAtEnd(scrollY, innerHeight, document.documentElement.scrollHeight);
    let last = scrollY;
    const scrolled = () => {
      if (scrollY < last && !end()) follows.current = false;
      else if (scrollY >= last && end()) follows.current = true;
      last = scrollY;
    };
    const turned = (event: WheelEvent) => {
      if (event.deltaY < 0) follows.current = false;
    };
    const touched = () => {
      follows.current = false;
    };
    addEventListener("scroll", scrolled, { passive: true });
    addEventListener("wheel", turned, { passive: true });
    addEventListener("touchmove", touched, { passive: true });
    return () => {
      removeEventListener("scroll", scrolled);
      removeEventListener("wheel", turned);
      removeEventListener("touchmove", touched);
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown has grown
  useLayoutEffect(() => {
    if (follows.current) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  }, [shown]);
  return useCallback(() => {
    follows.current = true;
  }, []);
}
