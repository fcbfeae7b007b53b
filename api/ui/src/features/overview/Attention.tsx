import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Told } from "../../parts/Told";
import { Card } from "../../ui/Card";
import type { Matter } from "./attention";
import { ReasonOf } from "./ReasonOf";

/** What needs attention; nothing where nothing does. */
export function Attention({ matters }: { matters: readonly Matter[] }) {
  const { t } = useTranslation();
  if (matters.length === 0) return null;
  return (
    <Card title={t("attention.title")}>
      {matters.map((matter) => (
        <div key={`${matter.kind} ${matter.about} ${matter.text}`}>
          <strong>
            <About matter={matter} />
          </strong>{" "}
          {t(`attention.${matter.kind}`)} {matter.text ? <Told text={matter.text} /> : <ReasonOf uid={matter.about} />}
        </div>
      ))}
    </Card>
  );
}

/** What it is about; models have a page, and devices. */
function About({ matter }: { matter: Matter }) {
  if (matter.kind === "lost" || matter.kind === "fault") return <Link to="/devices">{matter.about}</Link>;
  if (matter.kind !== "failed" && matter.kind !== "waiting") return matter.about;
  return (
    <Link to="/models/$uid" params={{ uid: matter.about }}>
      {matter.about}
    </Link>
  );
}
