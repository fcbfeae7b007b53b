import { useState } from "react";
import { remember, remembered } from "../lib/memory";
import { useMedia } from "../lib/useMedia";

/** Whether a SidePanel is open. Beside the page a browser remembers it; over the page it is closed until it is asked for. */
export function usePanel(name: string, besideFrom: string, openFrom: string) {
  const isBeside = useMedia(`(min-width: ${besideFrom})`);
  const hasRoom = useMedia(`(min-width: ${openFrom})`);
  const [chosen, setChosen] = useState(() => remembered(name));
  const [isOver, setOver] = useState(false);
  const onOpen = (isOpen: boolean) => {
    if (!isBeside) return setOver(isOpen);
    setChosen(isOpen ? "open" : "closed");
    remember(name, isOpen ? "open" : "closed");
  };
  const isOpen = isBeside ? (chosen ? chosen === "open" : hasRoom) : isOver;
  return { isBeside, isOpen, onOpen };
}
