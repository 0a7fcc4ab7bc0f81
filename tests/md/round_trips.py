"""Ways in which an integrator is written and read again."""

import pickle

import openmm

from openmm_genmd import GenerativeJumpIntegrator


def through_xml(integrator):
    xml = openmm.XmlSerializer.serialize(integrator)
    return GenerativeJumpIntegrator.fromIntegrator(openmm.XmlSerializer.deserialize(xml))


def through_pickle(integrator):
    return pickle.loads(pickle.dumps(integrator))


def through_openmm_clone(integrator):
    return GenerativeJumpIntegrator.fromIntegrator(openmm.XmlSerializer.clone(integrator))
