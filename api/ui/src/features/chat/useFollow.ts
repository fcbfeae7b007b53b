import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** How near the end counts as the end, in pixels. */
const NEAR = 8;

/** Whether a page that is scrolled to `top` shows its end. */
export function isAtEnd(top: number, height: number, whole: number): boolean {
  return whole - height - top <= NEAR;
}

function end(): boolean {
  return isAtEnd(scrollY, innerHeight, document.documentElement.scrollHeight);
}

function toEnd(): void {
  scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
}

/** Keeps the end of the page in sight as `shown` changes, while the reader is there; any gesture upwards ends that.
 *  `follow` goes to the end, and follows from there on; `isAway`: whether the reader has left it. */
export function useFollow(shown: unknown): { follow: () => void; isAway: boolean } {
  const follows = useRef(true);
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    let last = scrollY;
    const leave = () => {
      follows.current = false;
      setAway(!end());
    };
    const scrolled = () => {
      if (scrollY < last && !end()) leave();
      else if (scrollY >= last && end()) follows.current = true;
      setAway(!follows.current && !end());
      last = scrollY;
    };
    const turned = (event: WheelEvent) => {
      if (event.deltaY < 0) leave();
    };
    addEventListener("scroll", scrolled, { passive: true });
    addEventListener("wheel", turned, { passive: true });
    addEventListener("touchmove", leave, { passive: true });
    return () => {
      removeEventListener("scroll", scrolled);
      removeEventListener("wheel", turned);
      removeEventListener("touchmove", leave);
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown has grown
  useLayoutEffect(() => {
    if (follows.current) toEnd();
  }, [shown]);
  const follow = useCallback(() => {
    follows.current = true;
    setAway(false);
    toEnd();
  }, []);
  return { follow, isAway };
}
