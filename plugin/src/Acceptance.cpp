#include "genmd/Acceptance.h"
#include <cmath>

double OpenMM::getAcceptanceProbability(double work, double kT, double logRatio) {
    double exponent = -work / kT + logRatio;
    if (!std::isfinite(work) || !std::isfinite(logRatio) || !std::isfinite(exponent))
        return 0.0;
    return exponent >= 0 ? 1.0 : std::exp(exponent);
}
