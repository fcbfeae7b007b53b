import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { tokensPerSecond } from "../../api/metrics";
import type { Model } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { ModelStatus } from "../../parts/ModelStatus";
import { TryLinks } from "../../parts/TryLinks";
import { TypeName } from "../../parts/TypeName";
import { useAbility } from "../../parts/useAbility";
import { FactList } from "../../ui/FactList";
import { measuredOf } from "./measured";

/** What a model is, and what it takes and does now. */
export function Facts({ model }: { model: Model }) {
  const { t, i18n } = useTranslation();
  const ability = useAbility();
  const metrics = useQuery(live.metrics).data ?? [];
  const memory = measuredOf(useQuery(live.devices).data?.data ?? [])[model.id];
  const speed = model.state === "ready" ? tokensPerSecond(metrics, model.id) : null;
  const number = (value: number) => decimal(value, i18n.language);
  const facts: [string, ReactNode][] = [
    [t("models.state"), <ModelStatus key="state" state={model.state} />],
    [t("models.try"), model.state !== "failed" && <TryLinks key="try" model={model} />],
    [t("models.type"), <TypeName key="type" type={model.model_type} />],
    [t("models.engine"), model.model_engine],
    [t("models.format"), [model.model_format, model.quantization].filter(Boolean).join(" ")],
    [t("models.context"), model.context_length !== null && number(model.context_length)],
    [t("models.dimensions"), model.dimensions !== null && number(model.dimensions)],
    [t("models.abilities"), model.model_ability.map(ability).join(", ")],
    [t("models.memory"), memory ? bytes(memory, i18n.language) : null],
    [t("models.inflight"), number(metrics.at(-1)?.inflight[model.id] ?? 0)],
    [t("models.speed"), speed !== null && number(speed)],
    [t("models.loadTime"), model.load_s !== null && t("models.seconds", { number: number(model.load_s) })],
    [t("models.pinned"), model.pinned && t("models.yes")],
  ];
  return (
    <>
      <FactList facts={facts} />
      {model.warnings.map((warning) => (
        <p key={warning}>{warning}</p>
      ))}
    </>
  );
}
