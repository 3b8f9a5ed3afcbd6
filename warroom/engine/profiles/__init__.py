"""Threat profiles on a real Cortex XSOAR server, kept by the scripts of the pack ThreatProfiles."""

from warroom.engine.profiles.articles import Article, ArticleFilter, article_rows, read_articles
from warroom.engine.profiles.news import News, read_news
from warroom.engine.profiles.old_config import OldConfig, read_old_config
from warroom.engine.profiles.settings import Watch, read_settings, write_settings
from warroom.engine.profiles.work import AuditResult, UpdateResult, audit, update

__all__ = [
    "Article",
    "ArticleFilter",
    "AuditResult",
    "News",
    "OldConfig",
    "UpdateResult",
    "Watch",
    "article_rows",
    "audit",
    "read_articles",
    "read_news",
    "read_old_config",
    "read_settings",
    "update",
    "write_settings",
]
