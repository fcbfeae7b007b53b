import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { languageName, namedLanguages } from "./languages";

interface Props {
  /** The codes of the languages that the model knows; null where that is not known. */
  known: readonly string[] | null;
  language: string;
  fault: ReactNode;
  onChange: (language: string) => void;
}

/** The language that is spoken. A model that knows one alone has no choice. */
export function LanguageField({ known, language, fault, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const label = t("transcription.language");
  if (!known)
    return (
      <Field label={label} help={t("transcription.languageHelp")} fault={fault}>
        <Input value={language} autoComplete="off" onChange={(event) => onChange(event.target.value)} />
      </Field>
    );
  const [first] = known;
  if (known.length === 1 && first)
    return <p>{t("transcription.alone", { language: languageName(first, i18n.language) })}</p>;
  const all = [["", t("transcription.found")] as const, ...namedLanguages(known, i18n.language)];
  return <Select label={label} value={known.includes(language) ? language : ""} options={all} onChange={onChange} />;
}
