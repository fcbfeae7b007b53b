import { useTranslation } from "react-i18next";
import { knownPurpose } from "./search";

/** What a file is for. One of which this page knows nothing keeps its own name. */
export function PurposeName({ purpose }: { purpose: string }) {
  const { t } = useTranslation();
  const known = knownPurpose(purpose);
  return known ? t(`files.for.${known}`) : purpose;
}
