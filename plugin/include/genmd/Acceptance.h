#ifndef OPENMM_ACCEPTANCE_H_
#define OPENMM_ACCEPTANCE_H_

#include "genmd/windowsExportGenMD.h"

namespace OpenMM {

/**
 * Get the probability with which a jump is accepted: min(1, exp(-work/kT + logRatio)). This is the only acceptance
 * rule of the plugin. docs/theory.md derives it.
 *
 * @param work        protocol work in kJ/mol: sum of the energy changes at the instantaneous changes
 * @param kT          thermal energy in kJ/mol
 * @param logRatio    log q(x|y) - log q(y|x) + log|J|
 * @return the probability; 0 if any argument or the exponent is NaN or infinite
 */
OPENMM_EXPORT_GENMD double getAcceptanceProbability(double work, double kT, double logRatio);

} // namespace OpenMM

#endif /*OPENMM_ACCEPTANCE_H_*/
