import { useEffect, useState } from "react";
import { remember, remembered } from "../../lib/memory";

const NAME = "activity.hidden";

/** The failures that were hidden in this browser, by any of its tabs, and how to change them. */
export function useHidden(): [string[], (how: (hidden: string[]) => string[]) => void] {
  const [hidden, setHidden] = useState(kept);
  useEffect(() => {
    const told = () => setHidden(kept()); // another tab has changed them
    addEventListener("storage", told);
    return () => removeEventListener("storage", told);
  }, []);
  const change = (how: (hidden: string[]) => string[]) => {
    const next = how(kept());
    remember(NAME, JSON.stringify(next));
    setHidden(next);
  };
  return [hidden, change];
}

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(remembered(NAME) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return []; // somebody else's writing
  }
}
