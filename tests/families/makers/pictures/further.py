"""Tiny pipelines around further transformers, such as those of Sana and HiDream."""

from typing import Any

import diffusers
import torch
import transformers as _transformers
from tokenizers import processors

from tests.families.makers.pictures import flows
from tests.families.makers.pictures.parts import clip_tokenizer, qwen_tokenizer, t5, t5_tokenizer, vae

transformers: Any = _transformers  # whose types lack much
_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 1000,
}
_SCALED: dict[str, Any] = {"shift_factor": 0.1, "scaling_factor": 0.3611}


def _flow(**more: Any) -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(**more)


def _gemma() -> Any:
    torch.manual_seed(0)
    return transformers.Gemma2Model(transformers.Gemma2Config(**_TEXT, query_pre_attn_scalar=8)).eval()


def _sana_parts(**more: Any) -> dict[str, Any]:
    """What Sana's pipelines have: their autoencoder makes a pixel of 32 times 32."""
    torch.manual_seed(0)
    network = diffusers.SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=16,
        sample_size=32,
        **more,
    )
    torch.manual_seed(0)
    blocks = {"block_types": "ResBlock", "block_out_channels": (8,) * 6, "layers_per_block": (1,) * 6}
    sides = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in blocks.items()}
    decoder = diffusers.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=2,
        encoder_qkv_multiscales=((),) * 6,
        decoder_qkv_multiscales=((),) * 6,
        scaling_factor=0.41407,
        **sides,
    )
    return {
        "transformer": network.eval(),
        "vae": decoder.eval(),
        "text_encoder": _gemma(),
        "tokenizer": qwen_tokenizer(),
    }


def sana() -> Any:
    """Sana."""
    return diffusers.SanaPipeline(**_sana_parts(), scheduler=_flow(shift=3.0))


def sana_sprint() -> Any:
    """Sana-Sprint, made for two steps."""
    parts = _sana_parts(guidance_embeds=True, qk_norm="rms_norm_across_heads")
    return diffusers.SanaSprintPipeline(**parts, scheduler=diffusers.SCMScheduler())


def lumina2() -> Any:
    """Lumina 2."""
    torch.manual_seed(0)
    network = diffusers.Lumina2Transformer2DModel(
        sample_size=4,
        patch_size=2,
        in_channels=4,
        hidden_size=8,
        num_layers=2,
        num_attention_heads=1,
        num_kv_heads=1,
        multiple_of=16,
        cap_feat_dim=16,
        axes_dim_rope=(4, 2, 2),
        axes_lens=(512, 128, 128),
    )
    return diffusers.Lumina2Pipeline(
        transformer=network.eval(),
        vae=vae(4, blocks=4, **_SCALED),
        scheduler=_flow(),
        text_encoder=_gemma(),
        tokenizer=qwen_tokenizer(),
    )


def aura_flow() -> Any:
    """AuraFlow."""
    torch.manual_seed(0)
    network = diffusers.AuraFlowTransformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=4,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pos_embed_max_size=1024,
    )
    text = transformers.UMT5Config(d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, vocab_size=1000)
    return diffusers.AuraFlowPipeline(
        transformer=network.eval(),
        vae=vae(4),
        scheduler=_flow(shift=1.73),
        text_encoder=transformers.UMT5EncoderModel(text).eval(),
        tokenizer=t5_tokenizer(),
    )


def cogview4() -> Any:
    """CogView 4."""
    torch.manual_seed(0)
    network = diffusers.CogView4Transformer2DModel(
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=4,
        num_attention_heads=4,
        text_embed_dim=16,
        time_embed_dim=8,
        condition_dim=4,
        sample_size=32,
        rope_axes_dim=(16, 16),
    )
    text = transformers.GlmModel(transformers.GlmConfig(**_TEXT, pad_token_id=0)).eval()
    tokenizer = qwen_tokenizer()  # GLM's begins each text with two marks
    marks = [("<|im_start|>", 1), ("<|vision_start|>", 4)]
    begun = processors.TemplateProcessing(single="<|im_start|> <|vision_start|> $A", special_tokens=marks)
    tokenizer.backend_tokenizer.post_processor = begun
    return diffusers.CogView4Pipeline(
        transformer=network.eval(),
        vae=vae(4),
        scheduler=_flow(base_shift=0.25, max_shift=0.75, base_image_seq_len=256, use_dynamic_shifting=True),
        text_encoder=text,
        tokenizer=tokenizer,
    )


def chroma() -> Any:
    """Chroma."""
    torch.manual_seed(0)
    network = diffusers.ChromaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
        approximator_num_channels=8,
        approximator_hidden_dim=16,
        approximator_layers=1,
    )
    return diffusers.ChromaPipeline(
        transformer=network.eval(),
        vae=vae(1, **_SCALED),
        scheduler=_flow(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


def bria() -> Any:
    """Bria 3.2."""
    torch.manual_seed(0)
    network = diffusers.BriaTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=[0, 4, 4],
    )
    return diffusers.BriaPipeline(
        transformer=network.eval(),
        vae=vae(4),
        scheduler=_flow(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


def omnigen() -> Any:
    """OmniGen, which reads with its own network."""
    torch.manual_seed(0)
    network = diffusers.OmniGenTransformer2DModel(
        in_channels=4,
        patch_size=2,
        hidden_size=16,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=32,
        num_layers=1,
        pad_token_id=0,
        vocab_size=1000,
        max_position_embeddings=4096,
        pos_embed_max_size=64,
        rope_scaling={"type": "su", "long_factor": [1.0, 1.0], "short_factor": [1.0, 1.0]},
    )
    return diffusers.OmniGenPipeline(
        transformer=network.eval(), vae=vae(4, blocks=4), scheduler=_flow(), tokenizer=qwen_tokenizer()
    )


def krea2(*, distilled: bool = False) -> Any:
    """Krea 2, which reads several layers of Qwen 3 VL."""
    torch.manual_seed(0)
    network = diffusers.Krea2Transformer2DModel(
        in_channels=16,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=32,
        timestep_embed_dim=8,
        text_hidden_dim=16,
        num_text_layers=3,
        text_num_attention_heads=2,
        text_num_key_value_heads=1,
        text_intermediate_size=16,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
        axes_dims_rope=(4, 2, 2),
    )
    config = transformers.Qwen3VLConfig(
        text_config=_TEXT,
        vision_config={"depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16},
    )
    return diffusers.Krea2Pipeline(
        transformer=network.eval(),
        vae=flows.qwen().vae,
        scheduler=_flow(use_dynamic_shifting=True, max_image_seq_len=6400),
        text_encoder=transformers.Qwen3VLModel(config).eval(),
        tokenizer=qwen_tokenizer(),
        text_encoder_select_layers=(0, 1, 2),
        is_distilled=distilled,
    )


def hunyuan_dit() -> Any:
    """HunyuanDiT, which draws in a few sizes alone."""
    torch.manual_seed(0)
    network = diffusers.HunyuanDiT2DModel(
        sample_size=128,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=2,
        in_channels=4,
        cross_attention_dim=32,
        cross_attention_dim_t5=32,
        pooled_projection_dim=16,
        hidden_size=16,
    )
    text = transformers.BertConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, vocab_size=1000
    )
    tokenizer = qwen_tokenizer()
    tokenizer.model_max_length = 77
    return diffusers.HunyuanDiTPipeline(
        transformer=network.eval(),
        vae=vae(4, blocks=4),
        scheduler=diffusers.DDPMScheduler(beta_end=0.018, prediction_type="v_prediction", steps_offset=1),
        text_encoder=transformers.BertModel(text).eval(),
        tokenizer=tokenizer,
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def hidream() -> Any:
    """HiDream, which reads with CLIP twice, T5 and Llama."""
    torch.manual_seed(0)
    network = diffusers.HiDreamImageTransformer2DModel(
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_channels=[32, 16],
        text_emb_dim=64,
        num_routed_experts=4,
        num_activated_experts=2,
        axes_dims_rope=(4, 2, 2),
        max_resolution=(64, 64),
        llama_layers=(0, 1),
    )
    text = transformers.LlamaForCausalLM(transformers.LlamaConfig(**_TEXT)).eval()
    encoder = transformers.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=1000,
        projection_dim=32,
        max_position_embeddings=248,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return diffusers.HiDreamImagePipeline(
        transformer=network.eval(),
        vae=vae(4, blocks=4, **_SCALED),
        scheduler=_flow(shift=3.0),
        text_encoder=transformers.CLIPTextModelWithProjection(encoder).eval(),
        text_encoder_2=transformers.CLIPTextModelWithProjection(encoder).eval(),
        text_encoder_3=t5(),
        text_encoder_4=text,
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        tokenizer_3=t5_tokenizer(),
        tokenizer_4=qwen_tokenizer(),
    )
