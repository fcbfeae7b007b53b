import { useBlocker } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Question } from "../ui/Question";

interface Props {
  /** Whether something is lost when the page is left. */
  when: boolean;
  /** Whether something is lost only when the browser leaves, or loads all anew. */
  unload?: boolean;
  /** What is lost. */
  text: string;
}

/** Asks before a page is left in which something would be lost. A browser asks in its own words. */
export function Leaving({ when, unload = false, text }: Props) {
  const { t } = useTranslation();
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => when && current.pathname !== next.pathname,
    enableBeforeUnload: when || unload,
    disabled: !when && !unload,
    withResolver: true,
  });
  return (
    <Question
      open={status === "blocked"}
      title={t("leaving.title")}
      text={text}
      no={t("leaving.stay")}
      yes={t("leaving.leave")}
      busy={false}
      onNo={() => reset?.()}
      onYes={() => proceed?.()}
    />
  );
}
