import { useTranslation } from "react-i18next";
import type causes from "../i18n/en/cause.json";
import { Told } from "./Told";

/** Why something cannot be had: what the code of an error means, and the server's sentence. */
export function Because({ code, text }: { code: string | null; text: string }) {
  const { t, i18n } = useTranslation();
  const known = code && i18n.exists(`cause.${code}`) ? (code as keyof typeof causes) : null;
  return (
    <>
      {known && t(`cause.${known}.what`)} <Told text={text} />
    </>
  );
}
