import { useState } from "react";
import { useTranslation } from "react-i18next";
import { copied } from "../../lib/copying";
import { Button } from "../../ui/Button";

/** Copies a text. */
export function CopyButton({ text }: { text: string }) {
  const { t } = useTranslation();
  const [done, setDone] = useState("");
  const copy = async () => setDone((await copied(text)) ? text : "");
  if (text === "") return null;
  return <Button onClick={copy}>{done === text ? t("chat.copied") : t("chat.copy")}</Button>;
}
