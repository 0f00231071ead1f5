/* libsth: runs Spatio-Temporal Hybrid video networks on CPUs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-error.h>
#include <sth/sth-export.h>
#include <sth/sth-model.h>
#include <sth/sth-result.h>
#include <sth/sth-session.h>
#include <sth/sth-stream.h>
#include <sth/sth-tensor.h>
