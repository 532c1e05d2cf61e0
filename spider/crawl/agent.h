/* SPDX-License-Identifier: MIT */
/*
 * agent.h - the agent of a crawl.
 */
#ifndef SPIDER_CRAWL_AGENT_H
#define SPIDER_CRAWL_AGENT_H

#include "spider/crawl/engine.h"

/* Made at the first fetch, when the seed has told whether private addresses are meant; lent.
 * NULL: no memory, or the setting `proxy` is none. */
tw_agent *twi_crawl_agent(tw_crawl *crawl);

#endif
