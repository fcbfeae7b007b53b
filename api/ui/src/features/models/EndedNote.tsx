import { useLocation, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { EndedModel } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Told } from "../../parts/Told";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { filtersOf } from "./search";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** The model that was ended before this page was shown. */
    ended?: EndedModel;
  }
}

/** Says what became of a model that was just ended, and of its memory, until it is read. */
export function EndedNote() {
  const { t, i18n } = useTranslation();
  const ended = useLocation({ select: (location) => location.state.ended });
  const navigate = useNavigate();
  if (!ended) return null;
  const name = ended.model_uid;
  const close = () => void navigate({ to: "/models", search: filtersOf, state: {}, replace: true });
  return (
    <Notice role="status">
      <p>
        {ended.memory_freed
          ? t("models.ended", { name, size: bytes(ended.freed_bytes, i18n.language) })
          : t("models.endedStill", { name })}{" "}
        {!ended.memory_freed && <Told text={ended.message ?? ""} />}
      </p>
      <Button onClick={close}>{t("models.close")}</Button>
    </Notice>
  );
}
