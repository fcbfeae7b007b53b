import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { IconButton } from "../../ui/IconButton";
import styles from "./HistoryPanel.module.css";
import { RenameTalk } from "./RenameTalk";

interface Props {
  id: string;
  title: string;
  onChosen: () => void;
  onRename: (title: string) => unknown;
  onRemove: () => unknown;
}

/** A conversation in the list. To delete it takes two presses, since it cannot be had back. */
export function HistoryEntry({ id, title, onChosen, onRename, onRemove }: Props) {
  const { t } = useTranslation();
  const [state, setState] = useState<"rest" | "asked" | "named">("rest");
  const link = useRef<HTMLAnchorElement>(null);
  const said = title || t("chat.untitled");
  if (state === "named")
    return (
      <li>
        <RenameTalk
          title={title}
          onDone={(typed) => {
            setState("rest");
            if (typed !== null) onRename(typed);
            requestAnimationFrame(() => link.current?.focus());
          }}
        />
      </li>
    );
  return (
    <li className={styles.entry}>
      <Link
        ref={link}
        to="/chat"
        search={{ conversation: id }}
        className={styles.title}
        title={said}
        onClick={onChosen}
      >
        <bdi>{said}</bdi>
      </Link>
      {state === "asked" ? (
        <Button
          look="danger"
          autoFocus
          onClick={onRemove}
          onBlur={() => setState("rest")}
          aria-label={t("chat.deleteReally", { title: said })}
        >
          {t("chat.really")}
        </Button>
      ) : (
        <div className={styles.acts}>
          <IconButton icon="pencil" label={t("chat.rename", { title: said })} onClick={() => setState("named")} />
          <IconButton icon="bin" label={t("chat.deleteThis", { title: said })} onClick={() => setState("asked")} />
        </div>
      )}
    </li>
  );
}
