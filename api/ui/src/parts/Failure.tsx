import { useTranslation } from "react-i18next";
import { ApiError } from "../api/errors";
import { Button } from "../ui/Button";
import { Fault } from "../ui/Fault";
import { CopyButton } from "./CopyButton";

interface Props {
  error: Error;
  /** What to do again, where that may help. */
  again?: () => void;
}

/** An error of the API for people: what happened, the id of the request to copy, and the next step. */
export function Failure({ error, again }: Props) {
  const { t } = useTranslation();
  const away = error instanceof ApiError && error.status === 0;
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <Fault
      title={t("error.title")}
      message={away ? t("error.unreachable") : error.message}
      details={id && <RequestId id={id} code={error instanceof ApiError ? error.code : ""} />}
    >
      {again && <Button onClick={again}>{t("error.again")}</Button>}
    </Fault>
  );
}

function RequestId({ id, code }: { id: string; code: string }) {
  const { t } = useTranslation();
  return (
    <>
      <code>{code}</code> · {t("error.request")} <code>{id}</code> <CopyButton text={`${code} ${id}`} />
    </>
  );
}
