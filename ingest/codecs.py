"""The codecs that are taken. Every other decoder of FFmpeg, with its bugs (CVE-2026-8461), is out of reach."""

VIDEO_CODECS = frozenset(
    ["av1", "dnxhd", "ffv1", "h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "prores", "vp8", "vp9"]
)
PCM_CODECS = frozenset(
    ["pcm_f32le", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_u8"]
)
AUDIO_CODECS = PCM_CODECS | {
    "aac",
    "ac3",
    "alac",
    "dts",
    "eac3",
    "flac",
    "mp2",
    "mp3",
    "opus",
    "truehd",
    "vorbis",
}
_DECODERS_OF_ANOTHER_NAME = {"dca", "libdav1d", "mp2float", "mp3float"}

# For FFmpeg's option codec_whitelist, which goes by the names of decoders.
DECODERS = ",".join(sorted(VIDEO_CODECS | AUDIO_CODECS | _DECODERS_OF_ANOTHER_NAME))
