import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";

const PAUSE_MS = 150;

/** What is searched. It is told a moment after the last letter, so that typing never waits for a thousand models. */
export function SearchBox({ text, onText }: { text: string; onText: (text: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(text);
  const told = useRef(text);
  const tell = useRef(onText);
  tell.current = onText;
  useEffect(() => {
    if (text !== told.current) setTyped(text); // the address was changed by something else
    told.current = text;
  }, [text]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = setTimeout(() => {
      told.current = typed;
      tell.current(typed);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <Field label={t("catalogue.search")}>
      <Input type="search" value={typed} autoComplete="off" onChange={(event) => setTyped(event.target.value)} />
    </Field>
  );
}
