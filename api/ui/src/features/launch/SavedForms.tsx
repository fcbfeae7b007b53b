import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { moment } from "../../lib/times";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { type Draft, draftOf } from "./draft";
import { Folded } from "./Folded";
import styles from "./Launch.module.css";
import { launchesQuery } from "./queries";
import { forget, keptOf, save, useSaved } from "./saved";

const MOST = 3;

interface Props {
  model: string;
  draft: Draft;
  onFill: (draft: Draft) => void;
}

/** Forms that were saved for a model, and how it was launched before: each fills the form again. */
export function SavedForms({ model, draft, onFill }: Props) {
  const { t, i18n } = useTranslation();
  const saved = useSaved(model);
  const before = useQuery(launchesQuery(model)).data?.slice(0, MOST) ?? [];
  const [name, setName] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const keep = () => {
    if (name.trim() === "") return;
    save(model, { name: name.trim(), draft: keptOf(draft) });
    setName("");
  };
  const enter = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would launch
    keep();
  };
  const remove = (one: string) => {
    forget(model, one);
    field.current?.focus();
  };
  const count = saved.length + before.length;
  return (
    <Folded title={t("launch.saved", { model })} note={count > 0 ? String(count) : null}>
      {saved.length > 0 && (
        <ul className={styles.saved}>
          {saved.map((one) => (
            <li key={one.name}>
              <span>{one.name}</span>
              <Button aria-label={t("launch.fillWith", { name: one.name })} onClick={() => onFill(one.draft)}>
                {t("launch.fillIn")}
              </Button>
              <Button aria-label={t("launch.forget", { name: one.name })} onClick={() => remove(one.name)}>
                {t("launch.delete")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {before.length > 0 && (
        <>
          <strong>{t("launch.before")}</strong>
          <ul className={styles.saved}>
            {before.map((one) => (
              <li key={one.id}>
                <span>
                  {one.model_uid} · {moment(Date.parse(one.created_at), i18n.language)}
                  {one.left_out.length > 0 && (
                    <span className={styles.small}> {t("launch.without", { names: one.left_out.join(", ") })}</span>
                  )}
                </span>
                <Button
                  aria-label={t("launch.fillWith", { name: one.model_uid })}
                  onClick={() => onFill(draftOf(one.data))}
                >
                  {t("launch.fillIn")}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
      <Field label={t("launch.saveAs")} help={t("launch.saveHelp")}>
        <Input ref={field} value={name} onChange={(event) => setName(event.target.value)} onKeyDown={enter} />
      </Field>
      <div>
        <Button disabled={name.trim() === ""} onClick={keep}>
          {t("keeping.save")}
        </Button>
      </div>
    </Folded>
  );
}
