import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { SidePanel } from "../../ui/SidePanel";
import type { usePanel } from "../../ui/usePanel";
import { matching } from "./archive";
import { HistoryEntry } from "./HistoryEntry";
import { HistoryFiles } from "./HistoryFiles";
import styles from "./HistoryPanel.module.css";
import { forget, kept, rename } from "./talks";

/** How many are listed before the reader asks for more. */
const LISTED = 100;

interface Props {
  panel: ReturnType<typeof usePanel>;
  current: string | undefined;
  /** Begins a conversation in the place of the one that is shown. */
  onBegin: () => void;
}

/** The conversations that this browser keeps, at the side. */
export function HistoryPanel({ panel, current, onBegin }: Props) {
  const { t } = useTranslation();
  return (
    <SidePanel label={t("chat.history")} close={t("chat.close")} side="start" {...panel}>
      <History current={current} onBegin={onBegin} onChosen={() => panel.isBeside || panel.onOpen(false)} />
    </SidePanel>
  );
}

interface HistoryProps extends Omit<Props, "panel"> {
  onChosen: () => void;
}

function History({ current, onBegin, onChosen }: HistoryProps) {
  const { t } = useTranslation();
  const list = useRef<HTMLDivElement>(null);
  const { data } = useQuery(kept);
  const [typed, setTyped] = useState("");
  const [most, setMost] = useState(LISTED);
  const found = matching(data ?? [], typed);
  const remove = async (which: string) => {
    await forget(which);
    list.current?.focus(); // what had the focus is gone
    if (which === current) onBegin();
  };
  return (
    <div ref={list} className={styles.inner} tabIndex={-1}>
      <Field label={t("chat.search")}>
        <Input type="search" value={typed} onChange={(event) => setTyped(event.target.value)} />
      </Field>
      {found.length === 0 && <p className={styles.none}>{typed ? t("chat.nothingFound") : t("chat.nothingKept")}</p>}
      <ul className={styles.list}>
        {found.slice(0, most).map((one) => (
          <HistoryEntry
            key={one.id}
            id={one.id}
            title={one.title}
            onChosen={onChosen}
            onRename={(title) => rename(one.id, title)}
            onRemove={() => remove(one.id)}
          />
        ))}
      </ul>
      {found.length > most && (
        <Button look="quiet" onClick={() => setMost(most + LISTED)}>
          {t("chat.more", { count: found.length - most })}
        </Button>
      )}
      <HistoryFiles hasAny={(data ?? []).length > 0} />
    </div>
  );
}
