// Package all imports every kind of plugin there is, which registers it.
package all

import (
	_ "pingap/plugin/acceptencoding"     // the codings that a client accepts
	_ "pingap/plugin/admin"              // the admin, below a path
	_ "pingap/plugin/basicauth"          // names and passwords
	_ "pingap/plugin/cache"              // answers kept for the next who asks
	_ "pingap/plugin/combinedauth"       // digests of a secret and the time
	_ "pingap/plugin/compression"        // content made smaller
	_ "pingap/plugin/cors"               // pages of other origins
	_ "pingap/plugin/csrf"               // tokens against requests of other sites
	_ "pingap/plugin/directory"          // files
	_ "pingap/plugin/forwardauth"        // the answers of an auth service
	_ "pingap/plugin/georestriction"     // countries whose clients may pass
	_ "pingap/plugin/imageoptim"         // images made smaller
	_ "pingap/plugin/iprestriction"      // addresses that may pass
	_ "pingap/plugin/jwt"                // JSON Web Tokens
	_ "pingap/plugin/keyauth"            // keys in a field or the query
	_ "pingap/plugin/limit"              // how much a client may
	_ "pingap/plugin/mock"               // canned answers
	_ "pingap/plugin/ping"               // health checks
	_ "pingap/plugin/redirect"           // to https, and below prefixes
	_ "pingap/plugin/refererrestriction" // sites whose pages may lead here
	_ "pingap/plugin/requestid"          // ids for requests
	_ "pingap/plugin/responseheaders"    // fields of responses
	_ "pingap/plugin/stats"              // figures of the process
	_ "pingap/plugin/subfilter"          // texts replaced in content
	_ "pingap/plugin/trafficsplitting"   // a share for another upstream
	_ "pingap/plugin/uarestriction"      // programs that may pass
)
