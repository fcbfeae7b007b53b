import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Draft } from "./draft";
import { draftIn, type LaunchSearch, searchOf } from "./search";
import { useSettled } from "./useForm";

/** Keeps the address and the form the same: what is chosen is written there, and another address fills the form. */
export function useAddress(search: LaunchSearch, draft: Draft, replace: (draft: Draft) => void) {
  const navigate = useNavigate({ from: "/launch" });
  const there = JSON.stringify(searchOf(draftIn(search)));
  const here = useSettled(JSON.stringify(searchOf(draft)));
  const written = useRef(there);
  useEffect(() => {
    if (there === written.current) return;
    written.current = there;
    replace(draftIn(JSON.parse(there)));
  }, [there, replace]);
  useEffect(() => {
    if (here === written.current) return;
    written.current = here;
    const now: LaunchSearch = JSON.parse(here);
    void navigate({ search: ({ launched }) => ({ ...now, launched }), replace: true, resetScroll: false });
  }, [here, navigate]);
  return (launched: string | undefined) =>
    navigate({ search: (before) => ({ ...before, launched }), replace: true, resetScroll: false });
}
