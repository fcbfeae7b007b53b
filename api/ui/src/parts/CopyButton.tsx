import { useState } from "react";
import { useTranslation } from "react-i18next";
import { copied as couldCopy } from "../lib/copying";
import { Button } from "../ui/Button";

/** Copies a text, and says that it did. `what`: what is copied, where the button alone does not say it. */
export function CopyButton({ text, what }: { text: string; what?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async () => {
    if (await couldCopy(text)) setCopied(text);
  };
  const said = copied === text ? t("error.copied") : t("error.copy");
  return (
    <Button onClick={copy} aria-label={what ? `${said}: ${what}` : undefined}>
      {said}
    </Button>
  );
}
