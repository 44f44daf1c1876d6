"""Export formats: networks that write as folders that another runtime reads, and computes faster."""

from headstart.registry import Registry

EXPORTS = Registry(
    "export format", {"ctranslate2": "headstart.exports.ctranslate2:CTranslate2"}, group="headstart.exports"
)
