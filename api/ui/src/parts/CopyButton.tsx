import { useState } from "react";
import { useTranslation } from "react-i18next";
import { copied as couldCopy } from "../lib/copying";
import { Button } from "../ui/Button";

interface Props {
  text: string;
  /** What is copied, where the button alone does not say it. */
  what?: string;
  look?: "plain" | "quiet";
}

/** Copies a text, and says that it did. */
export function CopyButton({ text, what, look = "plain" }: Props) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async () => {
    if (await couldCopy(text)) setCopied(text);
  };
  const said = copied === text ? t("error.copied") : t("error.copy");
  return (
    <Button look={look} onClick={copy} aria-label={what ? `${said}: ${what}` : undefined}>
      {said}
    </Button>
  );
}
