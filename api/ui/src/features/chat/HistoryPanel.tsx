import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { matching } from "./archive";
import { HistoryEntry } from "./HistoryEntry";
import { HistoryFiles } from "./HistoryFiles";
import styles from "./HistoryPanel.module.css";
import { forget, kept } from "./talks";

interface Props {
  current: string | undefined;
  onOpen: (id: string | undefined) => void;
}

/** The conversations that this browser keeps. */
export function HistoryPanel({ current, onOpen }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const { data } = useQuery(kept);
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(() => matchMedia("(min-width: 1001px)").matches);
  const found = matching(data ?? [], typed);
  const remove = async (which: string) => {
    await forget(which);
    if (which === current) onOpen(undefined);
  };
  return (
    <section className={styles.panel} aria-label={t("chat.history")}>
      <Button aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        {t("chat.history")}
      </Button>
      <div id={id} hidden={!isOpen} className={styles.inner}>
        <Field label={t("chat.search")}>
          <Input type="search" value={typed} onChange={(event) => setTyped(event.target.value)} />
        </Field>
        {found.length === 0 && <p>{typed ? t("chat.nothingFound") : t("chat.nothingKept")}</p>}
        <ul className={styles.list}>
          {found.map((one) => (
            <HistoryEntry
              key={one.id}
              title={one.title}
              isCurrent={one.id === current}
              onOpen={() => onOpen(one.id)}
              onRemove={() => remove(one.id)}
            />
          ))}
        </ul>
        <HistoryFiles hasAny={(data ?? []).length > 0} />
      </div>
    </section>
  );
}
