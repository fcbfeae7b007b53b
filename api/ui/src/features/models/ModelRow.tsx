import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type Sample, tokensPerSecond } from "../../api/metrics";
import type { Model } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { ModelStatus } from "../../parts/ModelStatus";
import { TryLinks } from "../../parts/TryLinks";
import { TypeName } from "../../parts/TypeName";

interface Props {
  model: Model;
  memory: number | undefined;
  samples: readonly Sample[];
}

/** A model in the list, and the way to its page. */
export function ModelRow({ model, memory, samples }: Props) {
  const { i18n } = useTranslation();
  const speed = model.state === "ready" ? tokensPerSecond(samples, model.id) : null;
  const accelerators = model.accelerators.map((index) => `GPU ${index}`).join(", ");
  return (
    <tr>
      <td>
        <Link to="/models/$uid" params={{ uid: model.id }}>
          {model.id}
        </Link>
      </td>
      <td>
        <ModelStatus state={model.state} />
      </td>
      <td>
        <TypeName type={model.model_type} />
      </td>
      <td>{model.model_engine}</td>
      <td>{model.replica}</td>
      <td>{model.address ? `${model.address} ${accelerators || "CPU"}` : "–"}</td>
      <td>{memory ? bytes(memory, i18n.language) : "–"}</td>
      <td>{samples.at(-1)?.inflight[model.id] ?? 0}</td>
      <td>{speed === null ? "–" : decimal(speed, i18n.language)}</td>
      <td>{model.state !== "failed" && <TryLinks model={model} most={1} />}</td>
    </tr>
  );
}
