import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { inPage } from "./inPage";
import { isWhole, partsOf, type Sentence } from "./telling";

/** A sentence of the server in the reader's language, as far as there are words for it; else as it is, in English. */
export function Told({ text, reasons }: Sentence) {
  const { t } = useTranslation();
  const parts = useParts({ text, reasons });
  return parts.map((part, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing else, and their order is theirs
    <Fragment key={at}>
      {at > 0 && t("reasons.between")}
      {part.isOriginal ? <span lang="en">{inPage(part.text)}</span> : inPage(part.text)}
    </Fragment>
  ));
}

/** The sentence as the server wrote it, folded, where it is shown in other words. */
export function Original({ text, reasons }: Sentence) {
  const { t } = useTranslation();
  const parts = useParts({ text, reasons });
  if (parts.length === 0 || !isWhole(parts)) return null;
  return (
    <details>
      <summary>{t("reasons.original")}</summary>
      <span lang="en">{text}</span>
    </details>
  );
}

function useParts(sentence: Sentence) {
  const { t, i18n } = useTranslation();
  const words: unknown = i18n.getResource(i18n.language, "translation", "reasons.code");
  return partsOf(sentence, t as unknown as (key: string) => string, i18n.language, new Set(Object.keys(words ?? {})));
}
